import styles from "./settings.module.css";

interface Props {
  label: string;
  value: "On" | "Off";
  disabled: boolean;
  onChange: (value: "On" | "Off") => void;
}

/** A switch that says both of its states. */
export function Toggle({ label, value, disabled, onChange }: Props) {
  return (
    <span className={styles["toggle"]} role="group" aria-label={label}>
      {(["Off", "On"] as const).map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={value === each}
          disabled={disabled}
          className={value === each ? styles[each === "On" ? "on" : "off"] : ""}
          onClick={() => value !== each && onChange(each)}
        >
          {each}
        </button>
      ))}
    </span>
  );
}
