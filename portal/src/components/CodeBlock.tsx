import { CopyButton } from "./CopyText";
import styles from "./CodeBlock.module.css";

/** Text as it is, to read and to copy; scrolls in itself. */
export function CodeBlock({ text, label, fill = false }: { text: string; label: string; fill?: boolean }) {
  return (
    <figure className={`${styles["block"]} ${fill ? styles["fill"] : ""}`} aria-label={label}>
      <span className={styles["copy"]}>
        <CopyButton text={text} label={`Copy ${label}`} />
      </span>
      {/* Focusable, so that the keyboard can scroll it. */}
      <pre className={styles["text"]} tabIndex={0}>
        {text}
      </pre>
    </figure>
  );
}
