import {
  CheckmarkCircle16Filled,
  DismissCircle16Filled,
  Info16Filled,
  SubtractCircle16Regular,
  Warning16Filled,
} from "@fluentui/react-icons";
import type { ReactNode } from "react";

import { capitalize } from "../lib/format";
import styles from "./StatusBadge.module.css";

export type Tone = "good" | "warning" | "bad" | "info" | "neutral";

const ICONS = {
  good: CheckmarkCircle16Filled,
  warning: Warning16Filled,
  bad: DismissCircle16Filled,
  info: Info16Filled,
  neutral: SubtractCircle16Regular,
} as const;

/** A state in words, with an icon of its tone: never colour alone. */
export function StatusBadge({ tone, children, title }: { tone: Tone; children: ReactNode; title?: string }) {
  const Icon = ICONS[tone];
  return (
    <span className={`${styles["badge"]} ${styles[tone]}`} title={title}>
      <Icon aria-hidden className={styles["icon"]} />
      <span className={styles["text"]}>{children}</span>
    </span>
  );
}

const ACTION_TONES: Record<string, Tone> = { deny: "bad", audit: "warning", allow: "good" };

export function ActionBadge({ action }: { action: string }) {
  return <StatusBadge tone={ACTION_TONES[action] ?? "neutral"}>{capitalize(action)}</StatusBadge>;
}
