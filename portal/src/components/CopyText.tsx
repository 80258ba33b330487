import { Button, Tooltip } from "@fluentui/react-components";
import { Checkmark16Regular, Copy16Regular } from "@fluentui/react-icons";
import { useEffect, useRef, useState } from "react";

import { shortDigest } from "../lib/format";
import styles from "./CopyText.module.css";

const SHOWN_MS = 1_500;

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  const timer = useRef(0);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setCopied(false), SHOWN_MS);
  };
  return (
    <Tooltip content={copied ? "Copied" : label} relationship="label">
      <Button
        appearance="subtle"
        size="small"
        className={styles["button"] ?? ""}
        icon={copied ? <Checkmark16Regular /> : <Copy16Regular />}
        onClick={(event) => {
          event.stopPropagation();
          void copy();
        }}
      />
    </Tooltip>
  );
}

/** Text that people copy whole, shown in `shown` where it is too long. */
export function CopyText({ text, shown = text, label }: { text: string; shown?: string; label: string }) {
  return (
    <span className={styles["copy"]}>
      <span className={styles["text"]} title={text}>
        {shown}
      </span>
      <CopyButton text={text} label={label} />
    </span>
  );
}

export function Digest({ digest }: { digest: string }) {
  if (!digest) return <span className={styles["none"]}>none</span>;
  return <CopyText text={digest} shown={shortDigest(digest)} label="Copy digest" />;
}
