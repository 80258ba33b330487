import type { RuleForm, RuleRecord } from "../form";
import type { Problems } from "../validate";

/** What each tab of the editor is given. */
export interface TabProps {
  form: RuleForm;
  change: (part: Partial<RuleForm>) => void;
  problems: Problems;
  today: string;
  /** Whether the hub refused something: nothing that is wrong waits to be left any more. */
  told: boolean;
  record: RuleRecord | undefined;
  disabled: boolean;
}

/** Returns `rows` with the one of `key` changed. */
export const changeRow = <R extends { key: number }>(rows: readonly R[], key: number, part: Partial<R>): R[] =>
  rows.map((row) => (row.key === key ? { ...row, ...part } : row));

export const dropRow = <R extends { key: number }>(rows: readonly R[], key: number): R[] =>
  rows.filter((row) => row.key !== key);
