import { useMemo } from "react";

import { CodeBlock, CopyText, DetailPanel, Digest, Essentials, RelativeTime, Section, type Fact } from "../../components";
import { formatBytes } from "../../lib/format";
import type { ImageDetail, Referrer } from "./data";
import styles from "./image.module.css";
import { VerifiedBy } from "./ReferrersTab";
import { layersOf } from "./referrers";
import { pretty } from "./statement";

const KIND_WORDS = { artifact: "Findings artifact", signature: "Signature", other: "Other" } as const;

/** One referrer: what it claims, who verified it and how to fetch it. */
export function ReferrerPanel({ image, referrer, onClose }: { image: ImageDetail; referrer: Referrer; onClose: () => void }) {
  const reference = `${image.registry}/${image.repository}@${referrer.digest}`;
  const annotations = Object.entries(referrer.annotations ?? {});
  const text = useMemo(() => pretty(referrer.manifest ?? ""), [referrer.manifest]);
  const layers = useMemo(() => layersOf(referrer.manifest ?? ""), [referrer.manifest]);
  const facts: Fact[] = [
    { name: "Kind", value: KIND_WORDS[referrer.kind] },
    { name: "Artifact type", value: referrer.artifactType || "none" },
    { name: "Digest", value: <Digest digest={referrer.digest} /> },
    { name: "Verified by", value: <VerifiedBy referrer={referrer} /> },
    { name: "Created", value: <RelativeTime time={referrer.createdAt || undefined} never="not said" /> },
    { name: "Size", value: formatBytes(referrer.size ?? 0) },
    { name: "Artifact reference", value: <CopyText text={reference} label="Copy artifact reference" /> },
    ...(referrer.note ? [{ name: "Note", value: referrer.note }] : []),
  ];
  return (
    <DetailPanel title={referrer.artifactType || referrer.digest} subtitle={KIND_WORDS[referrer.kind]} onClose={onClose}>
      <Essentials facts={facts} columns={1} />
      {layers.length ? (
        <Section title={layers.length === 1 ? "Layer" : `Layers (${layers.length})`}>
          <ul className={styles["list"]}>
            {layers.map((layer) => (
              <li key={layer.digest}>
                <span className={styles["layer"]}>
                  {layer.mediaType}, {formatBytes(layer.size)}
                </span>
                <CopyText text={`${image.registry}/${image.repository}@${layer.digest}`} label="Copy layer reference" />
              </li>
            ))}
          </ul>
        </Section>
      ) : null}
      <Section title="Manifest">
        {text ? (
          <CodeBlock text={text} label="manifest of the referrer" />
        ) : (
          <span className={styles["muted"]}>{referrer.note ? "It could not be read." : "It is too long to be kept here; fetch it by its reference."}</span>
        )}
      </Section>
      <Section title={`Annotations (${annotations.length})`}>
        {annotations.length ? (
          <ul className={styles["list"]}>
            {annotations.map(([name, value]) => (
              <li key={name}>
                <span className={styles["layer"]}>{name}</span>
                <span className={styles["mono"]}>{value}</span>
              </li>
            ))}
          </ul>
        ) : (
          <span className={styles["muted"]}>It carries none.</span>
        )}
      </Section>
    </DetailPanel>
  );
}
