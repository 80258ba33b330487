import {
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
];
