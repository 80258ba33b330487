import { shortDigest } from "../../lib/format";
import styles from "./registries.module.css";

const SHOWN = 3;

interface Props {
  tags: readonly string[];
  most?: number;
  /** Tells images without a tag apart. */
  digest?: string;
}

/** The tags of an image in one line; those that do not fit are in the title. */
export function Tags({ tags, most = SHOWN, digest }: Props) {
  if (tags.length === 0) {
    return (
      <span className={styles["muted"]} title={digest}>
        untagged{digest ? `, ${shortDigest(digest)}` : ""}
      </span>
    );
  }
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
