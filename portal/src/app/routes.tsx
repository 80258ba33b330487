import { Spinner } from "@fluentui/react-components";
import { createBrowserRouter, redirect } from "react-router";

import { Shell } from "./Shell";
import { NotFound, RouteError } from "./NotFound";

/** Returns all addresses of the portal; each page is loaded when it is first opened. */
export function makeRouter() {
  return createBrowserRouter([
    {
      path: "/",
      element: <Shell />,
      errorElement: <RouteError />,
      hydrateFallbackElement: <Spinner label="Loading" style={{ height: "100%" }} />,
      children: [
        { index: true, loader: () => redirect("/rules") },
        { path: "rules", lazy: () => import("../pages/rules/RulesPage") },
        { path: "rules/:panel", lazy: () => import("../pages/rules/RulesPage") },
        { path: "monitoring", lazy: () => import("../pages/monitoring/MonitoringPage") },
        { path: "*", element: <NotFound /> },
      ],
    },
  ]);
}
