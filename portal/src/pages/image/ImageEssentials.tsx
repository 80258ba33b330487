import { CopyText, Digest, Essentials, RelativeTime, SeverityCounts, type Fact } from "../../components";
import { formatBytes } from "../../lib/format";
import { worstCounts } from "../../lib/counts";
import { ImageStatus } from "../registries/ImageStatus";
import { Tags } from "../registries/Tags";
import type { ImageDetail } from "./data";

const TAGS_SHOWN = 8;

export function ImageEssentials({ image }: { image: ImageDetail }) {
  const platforms = image.platforms ?? [];
  const reports = image.reports ?? [];
  const counts = worstCounts(reports);
  const layers = image.config?.layers?.length ?? 0;
  const scannedAt = reports.map((report) => report.scannedAt).sort().at(-1);
  const names = platforms.map(({ platform }) => platform).join(", ");
  const created = image.config?.created ?? platforms.map(({ config }) => config?.created ?? "").sort().at(-1);
  const facts: Fact[] = [
    { name: "Repository", value: <CopyText text={`${image.registry}/${image.repository}`} label="Copy repository" /> },
    { name: "Digest", value: <Digest digest={image.digest} /> },
    { name: "Tags", value: <Tags tags={image.tags} most={TAGS_SHOWN} /> },
    { name: platforms.length > 1 ? "Platforms" : "Platform", value: <span title={names}>{names || "not known"}</span> },
    { name: "Created", value: <RelativeTime time={created || undefined} never="not known" /> },
    { name: "Media type", value: <span title={image.mediaType}>{image.mediaType || "not known until a worker has looked at it"}</span> },
    { name: "Pushed", value: <RelativeTime time={image.pushedAt} never="not known" /> },
    { name: "Size", value: sizeWords(image.size ?? 0, layers) },
    { name: "Scan", value: <ImageStatus image={image} /> },
    { name: "Last scanned", value: <RelativeTime time={scannedAt} /> },
    {
      name: platforms.length > 1 ? "Findings of the worst" : "Findings",
      value: counts ? <SeverityCounts counts={counts} /> : "not known",
    },
    { name: "Scanner", value: [...new Set(reports.map((report) => report.scanner))].join(", ") || "none yet" },
  ];
  return <Essentials facts={facts} />;
}

function sizeWords(size: number, layers: number): string {
  if (!size) return "not known";
  return layers ? `${formatBytes(size)} in ${layers} ${layers === 1 ? "layer" : "layers"}` : formatBytes(size);
}
