import type { Field, RegistryForm } from "./form";

/** What each part of the editor is given. */
export interface FieldsProps {
  form: RegistryForm;
  change: (part: Partial<RegistryForm>) => void;
  /** What is wrong with a field that somebody left, and how to tell that one was. */
  problemOf: (field: Field) => string | undefined;
  touch: (field: Field) => void;
}

/** What Fluent's field wants of a problem. */
export const shown = (problem: string | undefined) =>
  ({ validationMessage: problem ?? null, validationState: problem ? "error" : "none" }) as const;
