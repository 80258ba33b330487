import type { Change } from "../lib/diff";
import styles from "./Changes.module.css";

/** What differs between two values: a line for each field, what was there beside what is there now. */
export function Changes({ changes }: { changes: readonly Change[] }) {
  return (
    <table className={styles["changes"]}>
      <thead>
        <tr>
          <th scope="col" className={styles["field"]}>
            Field
          </th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {changes.map((change) => (
          <tr key={change.path}>
            <td className={styles["path"]}>
              {change.path}
              {change.same ? <span className={styles["same"]}>{change.same} more unchanged</span> : null}
            </td>
            {change.kind === "added" ? <td className={styles["nothing"]}>was not there</td> : <Side change={change} side="before" />}
            {change.kind === "removed" ? <td className={styles["nothing"]}>is gone</td> : <Side change={change} side="after" />}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Side({ change, side }: { change: Change; side: "before" | "after" }) {
  const values = change[side];
  const other = change[side === "before" ? "after" : "before"];
  if (change.kind === "moved") {
    return (
      <td>
        <ol className={styles["order"]}>
          {values.map((value, place) => (
            <li key={place} className={value === other[place] ? "" : styles[side]}>
              {value}
            </li>
          ))}
        </ol>
      </td>
    );
  }
  if (values.length === 0) return <td className={styles["nothing"]}>nothing</td>;
  return (
    <td className={styles[side]}>
      {values.map((value, place) => (
        <div key={place}>{value || "empty"}</div>
      ))}
    </td>
  );
}
