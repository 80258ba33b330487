import { Button, Combobox, Dropdown, Field, Option, Popover, PopoverSurface, PopoverTrigger } from "@fluentui/react-components";
import { Filter20Regular } from "@fluentui/react-icons";
import { useState, type SyntheticEvent } from "react";

import type { Entry } from "./data";
import { FIELDS, FIELD_NAMES, ORIGINS, REASONS, filterWords, type FieldName, type Filters } from "./filters";
import styles from "./Monitoring.module.css";

interface Props {
  entries: readonly Entry[];
  taken: Filters;
  onAdd: (name: FieldName, value: string) => void;
}

/** A button that asks for a field and a value; values seen in the list are proposed. */
export function AddFilter({ entries, taken, onAdd }: Props) {
  const free = FIELD_NAMES.filter((name) => !taken[name]);
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState<FieldName>("action");
  const [value, setValue] = useState("");
  const name = free.includes(chosen) ? chosen : free[0];
  if (!name) return null;
  const proposals = proposalsFor(name, entries);
  const fixed = name === "action" || name === "reason" || name === "origin";
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!value.trim()) return;
    onAdd(name, value.trim());
    setValue("");
    setOpen(false);
  };
  return (
    <Popover open={open} onOpenChange={(_, data) => setOpen(data.open)} trapFocus>
      <PopoverTrigger disableButtonEnhancement>
        <Button icon={<Filter20Regular />} shape="circular">
          Add filter
        </Button>
      </PopoverTrigger>
      <PopoverSurface aria-label="Add filter">
        <form className={styles["addFilter"]} onSubmit={submit}>
          <Field label="Filter">
            <Dropdown
              value={FIELDS[name]}
              selectedOptions={[name]}
              onOptionSelect={(_, data) => {
                setChosen(data.optionValue as FieldName);
                setValue("");
              }}
            >
              {free.map((field) => (
                <Option key={field} value={field}>
                  {FIELDS[field]}
                </Option>
              ))}
            </Dropdown>
          </Field>
          <Field label="Value">
            {fixed ? (
              <Dropdown
                value={value ? filterWords(name, value) : ""}
                selectedOptions={[value]}
                placeholder="Choose a value"
                onOptionSelect={(_, data) => setValue(data.optionValue ?? "")}
              >
                {proposals.map((proposal) => (
                  <Option key={proposal} value={proposal}>
                    {filterWords(name, proposal)}
                  </Option>
                ))}
              </Dropdown>
            ) : (
              <Combobox
                freeform
                value={value}
                placeholder="Type or choose a value"
                onChange={(event) => setValue(event.target.value)}
                onOptionSelect={(_, data) => setValue(data.optionText ?? "")}
              >
                {proposals
                  .filter((proposal) => proposal.includes(value))
                  .map((proposal) => (
                    <Option key={proposal}>{proposal}</Option>
                  ))}
              </Combobox>
            )}
          </Field>
          <Button appearance="primary" type="submit" disabled={!value.trim()}>
            Apply
          </Button>
        </form>
      </PopoverSurface>
    </Popover>
  );
}

const MOST = 20;

function proposalsFor(name: FieldName, entries: readonly Entry[]): readonly string[] {
  switch (name) {
    case "action":
      return ["deny", "audit", "allow"];
    case "reason":
      return REASONS;
    case "origin":
      return Object.keys(ORIGINS);
    case "image":
      return distinct(entries.flatMap(({ event }) => event.images.map((row) => row.image)));
    case "rule":
      return distinct(entries.flatMap(({ event }) => event.images.map((row) => row.rule ?? "")));
    default:
      return distinct(entries.map(({ event }) => event[name] ?? ""));
  }
}

const distinct = (values: readonly string[]) => [...new Set(values.filter(Boolean))].sort().slice(0, MOST);
