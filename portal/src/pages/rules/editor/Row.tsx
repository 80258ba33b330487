import { Field, InfoLabel } from "@fluentui/react-components";
import type { ReactElement, ReactNode } from "react";

import styles from "./Editor.module.css";

interface Props {
  label: string;
  required?: boolean;
  info?: string;
  problem?: string | undefined;
  hint?: ReactNode;
  children: ReactElement;
}

/** A field with its label at the left, what is wrong with it below. */
export function Row({ label, required, info, problem, hint, children }: Props) {
  return (
    <Field
      orientation="horizontal"
      className={styles["row"] ?? ""}
      required={required ?? false}
      label={info ? { children: (_: unknown, props: object) => <InfoLabel {...props} info={info}>{label}</InfoLabel> } : label}
      validationMessage={problem}
      hint={hint ? { children: hint } : undefined}
    >
      {children}
    </Field>
  );
}
