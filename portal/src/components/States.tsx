import { Button } from "@fluentui/react-components";
import { ArrowClockwise20Regular, CloudError48Regular, DocumentSearch32Regular } from "@fluentui/react-icons";
import type { ReactNode } from "react";

import { ApiError } from "../api/client";
import styles from "./States.module.css";

interface EmptyProps {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  icon?: ReactNode;
}

export function EmptyState({ title, children, action, icon }: EmptyProps) {
  return (
    <div className={styles["state"]} role="status">
      <span className={styles["icon"]} aria-hidden>
        {icon ?? <DocumentSearch32Regular />}
      </span>
      <h2 className={styles["title"]}>{title}</h2>
      {children ? <div className={styles["text"]}>{children}</div> : null}
      {action}
    </div>
  );
}

export function ErrorState({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const title = error instanceof ApiError && error.status ? `${error.status} ${error.title}` : "That did not work";
  return (
    <div className={styles["state"]} role="alert">
      <span className={styles["icon"]} aria-hidden>
        <CloudError48Regular />
      </span>
      <h2 className={styles["title"]}>{title}</h2>
      <p className={styles["text"]}>{error.message}</p>
      {onRetry ? (
        <Button icon={<ArrowClockwise20Regular />} onClick={onRetry}>
          Try again
        </Button>
      ) : null}
    </div>
  );
}
