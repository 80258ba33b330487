import { useEffect, type ReactNode } from "react";

import styles from "./SignIn.module.css";

export function SignInFrame({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Tidegate`;
  }, [title]);
  return (
    <main className={styles["screen"]}>
      <div className={styles["card"]}>
        <div className={styles["brand"]}>
          <img src="/mark.svg" alt="" width={36} height={36} />
          Tidegate
        </div>
        <h1 className={styles["title"]}>{title}</h1>
        {children}
      </div>
    </main>
  );
}
