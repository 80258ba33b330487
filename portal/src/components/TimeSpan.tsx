import { Dropdown, Input, Option } from "@fluentui/react-components";

import { RANGES, boundsOf, fromField, spanProblem, toField, type Range, type Span } from "../lib/span";
import styles from "./TimeSpan.module.css";

const CUSTOM = "custom";

/** Chooses a span of time: the latest hours or days, or from one instant to another. */
export function TimeSpan({ span, onPick }: { span: Span; onPick: (span: Span) => void }) {
  const custom = !("range" in span);
  const pick = (value: string | undefined) => {
    if (value !== CUSTOM) onPick({ range: (value ?? "24h") as Range });
    else if (!custom) {
      const now = new Date();
      onPick({ since: wholeMinute(boundsOf(span, now).since ?? ""), until: wholeMinute(now.toISOString()) });
    }
  };
  return (
    <>
      <Dropdown
        aria-label="Time range"
        className={styles["range"] ?? ""}
        value={custom ? "From – to" : RANGES[span.range].text}
        selectedOptions={[custom ? CUSTOM : span.range]}
        onOptionSelect={(_, data) => pick(data.optionValue)}
      >
        {(Object.keys(RANGES) as Range[]).map((name) => (
          <Option key={name} value={name}>
            {RANGES[name].text}
          </Option>
        ))}
        <Option value={CUSTOM}>From – to</Option>
      </Dropdown>
      {custom ? <Bounds span={span} onPick={onPick} /> : null}
    </>
  );
}

function Bounds({ span, onPick }: { span: { since: string; until: string }; onPick: (span: Span) => void }) {
  const problem = spanProblem(span);
  return (
    <span className={styles["bounds"]} role="group" aria-label="Time span">
      <Input
        type="datetime-local"
        aria-label="From"
        value={toField(span.since)}
        onChange={(_, data) => onPick({ ...span, since: fromField(data.value) })}
      />
      <span aria-hidden>–</span>
      <Input
        type="datetime-local"
        aria-label="To"
        aria-invalid={problem !== ""}
        value={toField(span.until)}
        onChange={(_, data) => onPick({ ...span, until: fromField(data.value) })}
      />
      {problem ? (
        <span className={styles["problem"]} role="alert">
          {problem}
        </span>
      ) : null}
    </span>
  );
}

const wholeMinute = (instant: string): string => fromField(toField(instant));
