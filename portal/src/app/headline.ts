import type { Schemas } from "../api/client";

type Alarms = Schemas["AlarmsV1"];

/** The first alarm and how many more there are, as one line says it. */
export function headline(alarms: Alarms): { cluster: string; title: string; text: string; more: string } | undefined {
  const first = alarms.items[0];
  if (!first) return undefined;
  const others = (alarms.total ?? 0) - 1;
  const elsewhere = (alarms.clusters ?? 0) - 1;
  const more = others > 0 ? `and ${others} more ${others === 1 ? "alarm" : "alarms"}${elsewhere > 0 ? ` in ${elsewhere + 1} clusters` : ""}` : "";
  return { cluster: first.cluster, title: `Cluster ${first.cluster} may not be gated`, text: sentence(first.message), more };
}

function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
