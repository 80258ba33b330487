import { Skeleton, SkeletonItem } from "@fluentui/react-components";

import styles from "./image.module.css";

const FACTS = 8;

/** Stands where the image's facts will be. */
export function ImageSkeleton() {
  return (
    <Skeleton aria-label="Loading the image">
      <div className={styles["skeletonFacts"]}>
        {Array.from({ length: FACTS }, (_, place) => (
          <SkeletonItem key={place} size={16} />
        ))}
      </div>
      <SkeletonItem size={40} />
    </Skeleton>
  );
}
