import { Button, SearchBox } from "@fluentui/react-components";
import { Dismiss16Regular } from "@fluentui/react-icons";
import { useEffect, useState, type ReactNode } from "react";

import styles from "./FilterBar.module.css";

const PAUSE_MS = 250;

interface Props {
  search: string;
  onSearch: (text: string) => void;
  placeholder: string;
  children?: ReactNode;
  /** At the end of the row: how many there are. */
  status?: ReactNode;
}

/** Search and filters above a list. What is typed takes effect after a short pause. */
export function FilterBar({ search, onSearch, placeholder, children, status }: Props) {
  const [typed, setTyped] = useState(search);
  const [given, setGiven] = useState(search);
  if (given !== search) {
    setGiven(search);
    setTyped(search);
  }
  useEffect(() => {
    if (typed === search) return;
    const timer = window.setTimeout(() => onSearch(typed), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [typed, search, onSearch]);
  return (
    <div className={styles["bar"]} role="search">
      <SearchBox
        className={styles["search"] ?? ""}
        size="medium"
        value={typed}
        placeholder={placeholder}
        aria-label={placeholder}
        onChange={(_, data) => setTyped(data.value)}
      />
      {children}
      <span className={styles["status"]} role="status">
        {status}
      </span>
    </div>
  );
}

/** One filter that is set, with a button to remove it. */
export function FilterPill({ name, value, onRemove }: { name: string; value: string; onRemove: () => void }) {
  return (
    <span className={styles["pill"]}>
      <span className={styles["name"]}>{name}:</span>
      <span className={styles["value"]} title={value}>
        {value}
      </span>
      <Button
        appearance="transparent"
        size="small"
        icon={<Dismiss16Regular />}
        aria-label={`Remove filter ${name}`}
        onClick={onRemove}
      />
    </span>
  );
}
