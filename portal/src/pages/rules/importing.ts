import { plural } from "../../lib/format";
import type { ImportedRule } from "./data";

/** Places, in the file, of the rules to take over. */
export type Choice = ReadonlySet<number>;

/** The most that the hub reads of a file. */
const MAX_BYTES = 4 * 2 ** 20;

/** Whether there is anything in taking over a rule. */
export const isTakable = ({ outcome }: Pick<ImportedRule, "outcome">): boolean => outcome === "create" || outcome === "update";

/** Returns the choice that a preview begins with: all that change something. */
export const chosenAtFirst = (rules: readonly Pick<ImportedRule, "outcome">[]): Choice =>
  new Set(rules.flatMap((rule, place) => (isTakable(rule) ? [place] : [])));

interface Given {
  name: string;
  size: number;
}

/** Returns why the files given cannot be read, empty for one that can. */
export function fileProblem(files: ArrayLike<Given> | null): string {
  const file = files?.[0];
  if (!files || !file) return "That was no file; choose one in YAML or JSON.";
  if (files.length > 1) return `Those were ${files.length} files; one is read at a time, which may hold several objects.`;
  if (file.size === 0) return `${file.name} is empty.`;
  if (file.size > MAX_BYTES) return `${file.name} is larger than 4 MiB; split it.`;
  return "";
}

/** Returns `2 new, 1 changed, 1 refused`. */
export function summary(rules: readonly Pick<ImportedRule, "outcome">[]): string {
  const words = { create: "new", update: "changed", unchanged: "unchanged", refused: "refused" } as const;
  const parts = (Object.keys(words) as (keyof typeof words)[]).flatMap((outcome) => {
    const count = rules.filter((rule) => rule.outcome === outcome).length;
    return count ? [`${count} ${words[outcome]}`] : [];
  });
  return parts.length > 1 ? parts.join(", ") : `${plural(rules.length, "rule")}${parts[0] ? ` ${parts[0].replace(/^\d+ /, "")}` : ""}`;
}
