import { useMemo } from "react";

import { CodeBlock, CopyText } from "../../components";
import type { ImageDetail } from "./data";
import styles from "./image.module.css";
import { NothingYet } from "./NothingYet";
import { pretty } from "./statement";

/** The reference to copy and the manifest as it stands in the registry. */
export function ManifestTab({ image }: { image: ImageDetail }) {
  const text = useMemo(() => pretty(image.manifest ?? ""), [image.manifest]);
  return (
    <div className={styles["fill"]}>
      <ArtifactReference registry={image.registry} repository={image.repository} digest={image.digest} />
      {text ? <CodeBlock text={text} label="manifest" fill /> : <NothingYet image={image} what="manifest" />}
    </div>
  );
}

export function ArtifactReference({ registry, repository, digest }: { registry: string; repository: string; digest: string }) {
  return (
    <div className={styles["reference"]}>
      <span className={styles["label"]}>Artifact reference</span>
      <span className={styles["referenceBox"]}>
        <CopyText text={`${registry}/${repository}@${digest}`} label="Copy artifact reference" />
      </span>
    </div>
  );
}
