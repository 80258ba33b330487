import { Toolbar, ToolbarButton, ToolbarDivider } from "@fluentui/react-components";
import { Fragment, type ReactElement } from "react";

import styles from "./CommandBar.module.css";

export interface Command {
  label: string;
  icon: ReactElement;
  onClick: () => void;
  disabled?: boolean;
  /** Why it is disabled, or what it does. */
  title?: string;
  primary?: boolean;
  /** A line before it. */
  apart?: boolean;
}

/** The row of commands of a page. */
export function CommandBar({ label, commands }: { label: string; commands: readonly Command[] }) {
  return (
    <Toolbar aria-label={label} className={styles["bar"] ?? ""} size="small">
      {commands.map((command) => (
        <Fragment key={command.label}>
          {command.apart ? <ToolbarDivider /> : null}
          <ToolbarButton
            icon={command.icon}
            disabled={command.disabled ?? false}
            title={command.title}
            appearance={command.primary && !command.disabled ? "primary" : "subtle"}
            onClick={command.onClick}
          >
            {command.label}
          </ToolbarButton>
        </Fragment>
      ))}
    </Toolbar>
  );
}
