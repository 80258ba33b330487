import { Dismiss12Regular } from "@fluentui/react-icons";
import { useId, useRef, useState, type ClipboardEvent, type KeyboardEvent } from "react";

import styles from "./TagInput.module.css";

interface Props {
  values: readonly string[];
  onChange: (values: string[]) => void;
  label: string;
  placeholder?: string;
  suggestions?: readonly string[];
  invalid?: boolean;
  disabled?: boolean;
}

/** Several values in one box: Enter, a comma or leaving the box adds what was typed. */
export function TagInput({ values, onChange, label, placeholder, suggestions, invalid, disabled }: Props) {
  const [typed, setTyped] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  const add = (text: string) => {
    const fresh = splitValues(text).filter((value) => !values.includes(value));
    setTyped("");
    if (fresh.length) onChange([...values, ...new Set(fresh)]);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if ((event.key === "Enter" || event.key === ",") && typed.trim()) {
      event.preventDefault();
      add(typed);
    } else if (event.key === "Backspace" && !typed && values.length) {
      onChange(values.slice(0, -1));
    }
  };
  const onPaste = (event: ClipboardEvent) => {
    const text = event.clipboardData.getData("text");
    if (!/[\n,;]/.test(text)) return;
    event.preventDefault();
    add(typed + text);
  };
  return (
    <div
      className={`${styles["box"]} ${invalid ? styles["invalid"] : ""} ${disabled ? styles["disabled"] : ""}`}
      onClick={() => input.current?.focus()}
    >
      {values.map((value) => (
        <span key={value} className={styles["tag"]}>
          <span className={styles["text"]} title={value}>
            {value}
          </span>
          {disabled ? null : (
            <button
              type="button"
              aria-label={`Remove ${value}`}
              onClick={() => onChange(values.filter((other) => other !== value))}
            >
              <Dismiss12Regular />
            </button>
          )}
        </span>
      ))}
      <input
        ref={input}
        className={styles["input"]}
        value={typed}
        disabled={disabled}
        aria-label={label}
        aria-invalid={invalid}
        placeholder={values.length ? "" : placeholder}
        list={suggestions?.length ? listId : undefined}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
        onBlur={() => typed.trim() && add(typed)}
      />
      {suggestions?.length ? (
        <datalist id={listId}>
          {suggestions
            .filter((suggestion) => !values.includes(suggestion))
            .map((suggestion) => (
              <option key={suggestion} value={suggestion} />
            ))}
        </datalist>
      ) : null}
    </div>
  );
}

/** Returns the values in `text`, which people paste with commas, semicolons or lines between them. */
export function splitValues(text: string): string[] {
  return text
    .split(/[\n,;]+/)
    .map((value) => value.trim())
    .filter(Boolean);
}
