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

import { useFocusBack } from "../../components/useFocusBack";
import styles from "./settings.module.css";

interface Props {
  title: string;
  submit: string;
  disabled: boolean;
  error: Error | null;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** A short form; what the hub refuses stands below its fields. */
export function FormDialog({ title, submit, disabled, error, onSubmit, onClose, children }: Props) {
  useFocusBack();
  return (
    <Dialog open modalType="alert" onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            onSubmit();
          }}
        >
          <DialogBody>
            <DialogTitle>{title}</DialogTitle>
            <DialogContent className={styles["form"] ?? ""}>
              {children}
              {error ? (
                <MessageBar intent="error" layout="multiline" role="alert">
                  <MessageBarBody>{error.message}</MessageBarBody>
                </MessageBar>
              ) : null}
            </DialogContent>
            <DialogActions>
              <Button onClick={onClose}>Cancel</Button>
              <Button type="submit" appearance="primary" disabled={disabled}>
                {submit}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
