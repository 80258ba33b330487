import styles from "./registries.module.css";

const SHOWN = 3;

/** The tags of an image in one line; those that do not fit are in the title. */
export function Tags({ tags, most = SHOWN }: { tags: readonly string[]; most?: number }) {
  if (tags.length === 0) return <span className={styles["muted"]}>untagged</span>;
  return (
    <span className={styles["tags"]} title={tags.join("\n")}>
      {tags.slice(0, most).map((tag) => (
        <span key={tag} className={styles["tag"]}>
          {tag}
        </span>
      ))}
      {tags.length > most ? <span className={styles["muted"]}>+{tags.length - most}</span> : null}
    </span>
  );
}
