import { Toast, ToastBody, ToastTitle, useToastController } from "@fluentui/react-components";
import { useCallback } from "react";

export const TOASTER = "tidegate";

/** Returns a function that tells, in a corner, how something went. */
export function useTell() {
  const { dispatchToast } = useToastController(TOASTER);
  return useCallback(
    (intent: "success" | "error" | "info", title: string, text = "") => {
      dispatchToast(
        <Toast>
          <ToastTitle>{title}</ToastTitle>
          {text ? <ToastBody>{text}</ToastBody> : null}
        </Toast>,
        // Nothing in it can be used: a stop there would be one that Tab does not leave.
        { intent, timeout: intent === "error" ? 12_000 : 4_000, root: { tabIndex: -1 } },
      );
    },
    [dispatchToast],
  );
}
