import {
  Button,
  DrawerBody,
  DrawerFooter,
  DrawerHeader,
  DrawerHeaderTitle,
  OverlayDrawer,
} from "@fluentui/react-components";
import { ChevronDown16Regular, ChevronRight16Regular, Dismiss24Regular } from "@fluentui/react-icons";
import { useId, useState, type ReactNode } from "react";

import styles from "./DetailPanel.module.css";
import { useFocusBack } from "./useFocusBack";

interface Props {
  title: string;
  subtitle?: ReactNode;
  /** Below the title, above what scrolls: tabs. */
  head?: ReactNode;
  footer?: ReactNode;
  width?: "medium" | "wide";
  /** False: what is behind can still be used. */
  modal?: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** A panel from the right over the page. */
export function DetailPanel({ title, subtitle, head, footer, width = "medium", modal = true, onClose, children }: Props) {
  useFocusBack();
  return (
    <OverlayDrawer
      open
      position="end"
      modalType={modal ? "modal" : "non-modal"}
      className={`${styles["panel"]} ${styles[width]}`}
      onOpenChange={(_, data) => !data.open && onClose()}
      aria-label={title}
    >
      <DrawerHeader className={styles["header"] ?? ""}>
        <DrawerHeaderTitle
          heading={{ className: styles["heading"] ?? "" }}
          action={<Button appearance="subtle" aria-label="Close" icon={<Dismiss24Regular />} onClick={onClose} />}
        >
          {title}
        </DrawerHeaderTitle>
        {subtitle ? <div className={styles["subtitle"]}>{subtitle}</div> : null}
        {head}
      </DrawerHeader>
      <DrawerBody className={styles["body"] ?? ""}>{children}</DrawerBody>
      {footer ? <DrawerFooter className={styles["footer"] ?? ""}>{footer}</DrawerFooter> : null}
    </OverlayDrawer>
  );
}

/** A part of a panel or page that can be folded away. */
export function Section({ title, children, open = true }: { title: string; children: ReactNode; open?: boolean }) {
  const [shown, setShown] = useState(open);
  const id = useId();
  return (
    <section className={styles["section"]}>
      <h3 className={styles["sectionTitle"]}>
        <button type="button" aria-expanded={shown} aria-controls={id} onClick={() => setShown(!shown)}>
          {shown ? <ChevronDown16Regular aria-hidden /> : <ChevronRight16Regular aria-hidden />}
          {title}
        </button>
      </h3>
      <div id={id} hidden={!shown} className={styles["sectionBody"]}>
        {shown ? children : null}
      </div>
    </section>
  );
}
