/** How people say which values match, and the globs that rules are written in. */

export const OPERATORS = {
  equals: "Equals",
  startsWith: "Starts with",
  endsWith: "Ends with",
  contains: "Contains",
  matches: "Matches pattern",
} as const;

export type GlobOperator = keyof typeof OPERATORS;

interface Condition {
  operator: GlobOperator;
  value: string;
}

/** Returns the glob that a condition means; `*` is any run of characters, nothing else is special. */
export function globOf(operator: GlobOperator, value: string): string {
  switch (operator) {
    case "startsWith":
      return `${value}*`;
    case "endsWith":
      return `*${value}`;
    case "contains":
      return `*${value}*`;
    case "equals":
    case "matches":
      return value;
  }
}

/** Returns the condition that a glob says; `globOf` of it is the glob again. */
export function conditionOf(glob: string): Condition {
  const found = /^(\*?)([^*]+)(\*?)$/.exec(glob);
  if (!found) return { operator: "matches", value: glob };
  const [, before, value = "", after] = found;
  if (before && after) return { operator: "contains", value };
  if (before) return { operator: "endsWith", value };
  if (after) return { operator: "startsWith", value };
  return { operator: "equals", value };
}

/** Returns what is wrong with the value of a condition, "" when nothing is. */
export function valueProblem(operator: GlobOperator, value: string): string {
  if (!value.trim()) return "A value is required";
  if (value !== value.trim()) return "Remove the spaces around it";
  if (globOf(operator, value).length > 512) return "512 characters at most";
  if (operator !== "matches" && value.includes("*")) return `"*" is a wildcard: choose "Matches pattern"`;
  return "";
}
