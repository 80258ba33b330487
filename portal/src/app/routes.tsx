import { Spinner } from "@fluentui/react-components";
import { createBrowserRouter, redirect } from "react-router";

import { Shell } from "./Shell";
import { RouteError } from "./RouteError";

/** Returns all addresses of the portal; each page is loaded when it is first opened. */
export function makeRouter() {
  return createBrowserRouter([
    {
      path: "/",
      element: <Shell />,
      errorElement: <RouteError />,
      hydrateFallbackElement: <Spinner label="Loading" style={{ height: "100%" }} />,
      children: [
        {
          // Within the shell: where one page cannot be fetched, the others are still to be had.
          errorElement: <RouteError />,
          children: [
            { index: true, loader: ({ request }) => redirect(`/overview${new URL(request.url).search}`) },
            { path: "overview", lazy: () => import("../pages/overview/OverviewPage") },
            { path: "rules", lazy: () => import("../pages/rules/RulesPage") },
            { path: "rules/:panel", lazy: () => import("../pages/rules/RulesPage") },
            { path: "monitoring", lazy: () => import("../pages/monitoring/MonitoringPage") },
            { path: "registries", lazy: () => import("../pages/registries/RegistriesPage") },
            { path: "registries/:registry", lazy: () => import("../pages/registries/RepositoriesPage") },
            { path: "registries/:registry/:repository", lazy: () => import("../pages/registries/RepositoryPage") },
            { path: "registries/:registry/:repository/:digest", lazy: () => import("../pages/image/ImagePage") },
            { path: "clusters", lazy: () => import("../pages/clusters/ClustersPage") },
            { path: "clusters/:panel", lazy: () => import("../pages/clusters/ClustersPage") },
            { path: "settings/:tab?/:panel?/:act?", lazy: () => import("../pages/settings/SettingsPage") },
            { path: "audit", lazy: () => import("../pages/audit/AuditPage") },
            { path: "*", lazy: () => import("./NotFound") },
          ],
        },
      ],
    },
  ]);
}
