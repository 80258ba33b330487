import {
  Board20Filled,
  Board20Regular,
  Box20Filled,
  Box20Regular,
  History20Filled,
  History20Regular,
  Server20Filled,
  Server20Regular,
  Settings20Filled,
  Settings20Regular,
  ShieldTask20Filled,
  ShieldTask20Regular,
  TaskListSquareLtr20Filled,
  TaskListSquareLtr20Regular,
  type FluentIcon,
} from "@fluentui/react-icons";

export interface NavItem {
  to: string;
  text: string;
  icon: FluentIcon;
  activeIcon: FluentIcon;
  /** Only for those who may change things. */
  admin?: boolean;
}

export interface NavGroup {
  title: string;
  items: readonly NavItem[];
}

export const NAV: readonly NavGroup[] = [
  {
    title: "General",
    items: [{ to: "/overview", text: "Overview", icon: Board20Regular, activeIcon: Board20Filled }],
  },
  {
    title: "Security rules",
    items: [
      { to: "/rules", text: "Vulnerability assessment", icon: ShieldTask20Regular, activeIcon: ShieldTask20Filled },
      {
        to: "/monitoring",
        text: "Admission Monitoring",
        icon: TaskListSquareLtr20Regular,
        activeIcon: TaskListSquareLtr20Filled,
      },
    ],
  },
  {
    title: "Inventory",
    items: [
      { to: "/registries", text: "Registries", icon: Box20Regular, activeIcon: Box20Filled },
      { to: "/clusters", text: "Clusters", icon: Server20Regular, activeIcon: Server20Filled },
    ],
  },
  {
    title: "Administration",
    items: [
      { to: "/settings", text: "Settings", icon: Settings20Regular, activeIcon: Settings20Filled },
      { to: "/audit", text: "Audit log", icon: History20Regular, activeIcon: History20Filled, admin: true },
    ],
  },
];
