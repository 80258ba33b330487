import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  MessageBar,
  MessageBarBody,
} from "@fluentui/react-components";
import type { ReactNode } from "react";

import { CopyText } from "../../components";
import { useFocusBack } from "../../components/useFocusBack";
import styles from "./settings.module.css";

/** Shows a secret that the hub tells only once. */
export function SecretDialog({ title, secret, children, onClose }: { title: string; secret: string; children: ReactNode; onClose: () => void }) {
  useFocusBack();
  return (
    <Dialog open modalType="alert">
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{title}</DialogTitle>
          <DialogContent className={styles["form"] ?? ""}>
            <MessageBar intent="warning">
              <MessageBarBody>It is shown this once. Copy it now.</MessageBarBody>
            </MessageBar>
            <div className={styles["secret"]}>
              <CopyText text={secret} label="Copy" />
            </div>
            <span>{children}</span>
          </DialogContent>
          <DialogActions>
            <Button appearance="primary" onClick={onClose}>
              I have copied it
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
