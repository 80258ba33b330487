import { useId, type ReactNode } from "react";

import styles from "./overview.module.css";

export function Card({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section className={styles["card"]} aria-labelledby={id}>
      <h2 id={id} className={styles["cardTitle"]}>
        {title}
      </h2>
      {children}
    </section>
  );
}

export const Nothing = ({ children }: { children: ReactNode }) => <p className={styles["nothing"]}>{children}</p>;
