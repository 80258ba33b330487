import { Spinner, Toaster } from "@fluentui/react-components";
import { Suspense, useState } from "react";
import { Outlet, useNavigation } from "react-router";

import { useSession } from "../api/session";
import { ErrorState } from "../components/States";
import { ChangePassword } from "../pages/sign-in/ChangePassword";
import { SignIn } from "../pages/sign-in/SignIn";
import { AlarmBanner } from "./AlarmBanner";
import { AwayBanner, useReturn } from "./AwayBanner";
import { FailedSignIn } from "./FailedSignIn";
import { SideNav } from "./SideNav";
import styles from "./Shell.module.css";
import { TOASTER } from "./toasts";
import { TopBar } from "./TopBar";

const NARROW = "(max-width: 1100px)";

/** The frame around every page; without a session it asks who is there. */
export function Shell() {
  const session = useSession();
  useReturn();
  const [folded, setFolded] = useState(() => matchMedia(NARROW).matches);
  const loading = useNavigation().state === "loading";
  if (session.isPending) return <Spinner className={styles["starting"] ?? ""} label="Loading" />;
  if (session.error && !session.data) return <ErrorState error={session.error} onRetry={() => void session.refetch()} />;
  if (!session.data) return <SignIn />;
  if (session.data.user.mustChangePassword) return <ChangePassword />;
  return (
    <div className={styles["shell"]}>
      <a className={styles["skip"]} href="#content">
        Skip to content
      </a>
      <TopBar />
      <AwayBanner />
      <AlarmBanner />
      <div className={styles["below"]}>
        <SideNav folded={folded} onFold={() => setFolded(!folded)} />
        <main id="content" tabIndex={-1} className={styles["main"]} aria-busy={loading}>
          {loading ? <div className={styles["progress"]} /> : null}
          <Suspense fallback={<Spinner className={styles["starting"] ?? ""} label="Loading" />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
      <Toaster toasterId={TOASTER} position="bottom-end" />
      {/* After what shows it. */}
      <FailedSignIn />
    </div>
  );
}
