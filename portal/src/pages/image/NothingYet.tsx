import { EmptyState } from "../../components";
import { isBusy, type ImageDetail } from "./data";

/** Stands where a scan's result would be, before there is one. */
export function NothingYet({ image, what }: { image: ImageDetail; what: string }) {
  if (isBusy(image.status)) return <EmptyState title={`No ${what} yet`}>The image is being scanned; what is found appears here.</EmptyState>;
  return <EmptyState title={`No ${what} is known`}>No scan worker has told the hub about this image. Scan it to see what is in it.</EmptyState>;
}
