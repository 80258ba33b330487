import type { ReactNode } from "react";

import styles from "./Essentials.module.css";

export interface Fact {
  name: string;
  value: ReactNode;
}

/** The facts about one thing, in two columns. */
export function Essentials({ facts, columns = 2 }: { facts: readonly Fact[]; columns?: 1 | 2 }) {
  return (
    <dl className={`${styles["facts"]} ${columns === 2 ? styles["two"] : ""}`}>
      {facts.map(({ name, value }) => (
        <div key={name} className={styles["fact"]}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
