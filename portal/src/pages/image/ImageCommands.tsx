import { MessageBar, MessageBarBody, MessageBarTitle, ProgressBar } from "@fluentui/react-components";
import { ArrowClockwise20Regular, ScanDash20Regular } from "@fluentui/react-icons";

import { useMayWrite } from "../../api/session";
import { useTell } from "../../app/toasts";
import { CommandBar, type Command } from "../../components";
import { isBusy, useScan, type ImageDetail, type Job, type Subject } from "./data";
import styles from "./image.module.css";

interface Props {
  image: ImageDetail;
  subject: Subject;
  onRefresh: () => void;
}

/** Refresh and Scan now, with how far the scan is. */
export function ImageCommands({ image, subject, onRefresh }: Props) {
  const tell = useTell();
  const mayWrite = useMayWrite();
  const { ask, job, asking } = useScan(subject, (ended) => {
    if (ended.state === "done") tell("success", "Scan finished", "What is shown is the new report.");
    else tell("error", "The scan failed", ended.error ?? "");
  });
  const busy = asking || job !== undefined || isBusy(image.status);
  const scan: Command = {
    label: "Scan now",
    icon: <ScanDash20Regular />,
    disabled: busy,
    ...(busy ? { title: "It is being scanned already" } : {}),
    onClick: () => ask(image.tags, { onError: (error) => tell("error", "That did not work", error.message) }),
  };
  return (
    <>
      <CommandBar
        label="Image"
        commands={[
          { label: "Refresh", icon: <ArrowClockwise20Regular />, onClick: onRefresh },
          ...(mayWrite ? [scan] : []),
        ]}
      />
      {busy ? <Progress text={progressWords(job, image.status)} value={progressOf(job, image.status)} /> : null}
      {image.status === "failed" && !busy ? (
        <MessageBar intent="error" className={styles["progress"] ?? ""}>
          <MessageBarBody>
            <MessageBarTitle>The last scan failed</MessageBarTitle>
            {image.error || "The worker gave no reason."}
          </MessageBarBody>
        </MessageBar>
      ) : null}
    </>
  );
}

function Progress({ text, value }: { text: string; value: number | undefined }) {
  return (
    <div className={styles["progress"]} role="status">
      <span>{text}</span>
      <ProgressBar className={styles["progressBar"] ?? ""} aria-label={text} {...(value === undefined ? {} : { value })} />
    </div>
  );
}

function progressWords(job: Job | undefined, status: ImageDetail["status"]): string {
  const again = job && job.attempt > 1 ? `, attempt ${job.attempt} of ${job.maxAttempts}` : "";
  const why = job?.state === "queued" && job.error ? `. The attempt before failed: ${job.error}` : "";
  if (job?.state === "leased" || (!job && status === "scanning")) return `Being scanned${job?.worker ? ` by ${job.worker}` : ""}${again}`;
  return `Waiting for a scan worker${again}${why}`;
}

/** A wait has no known length; a scan that runs is past the queue. */
function progressOf(job: Job | undefined, status: ImageDetail["status"]): number | undefined {
  if (job?.state === "done") return 1;
  return job?.state === "queued" || (!job && status === "queued") ? 0.05 : undefined;
}
