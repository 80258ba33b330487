import { StatusBadge } from "../../../components";
import type { Said } from "./words";

/** What is known, as the lists and panels of registries show it. */
export const Badge = ({ said }: { said: Said }) => (
  <StatusBadge tone={said.tone} {...(said.title ? { title: said.title } : {})}>
    {said.text}
  </StatusBadge>
);
