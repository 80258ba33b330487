import { StatusBadge } from "../../components";
import type { Image } from "./data";

/** Where the scan of an image stands. */
export function ImageStatus({ image }: { image: Pick<Image, "status" | "error" | "reports"> }) {
  switch (image.status) {
    case "queued":
      return <StatusBadge tone="neutral">Waits for a scan</StatusBadge>;
    case "scanning":
      return <StatusBadge tone="info">Being scanned</StatusBadge>;
    case "failed":
      return (
        <StatusBadge tone="bad" title={image.error ?? ""}>
          Scan failed
        </StatusBadge>
      );
    case "scanned":
      return <Scanned reports={image.reports ?? []} />;
  }
}

function Scanned({ reports }: { reports: NonNullable<Image["reports"]> }) {
  const gaps = reports.flatMap((report) => report.gaps ?? []);
  if (reports.every((report) => report.complete)) return <StatusBadge tone="good">Scanned</StatusBadge>;
  return (
    <StatusBadge tone="warning" title={[...new Set(gaps)].join("\n")}>
      Incomplete report
    </StatusBadge>
  );
}
