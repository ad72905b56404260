// Where one can go, in the order of the work. `npm run check` fails for an entry that has no route.

import { type LinkProps } from '@tanstack/react-router'
import { type Permission } from '@sfdc-engine-x/client'
import { type Path } from './href.ts'

type Page = Extract<Path, LinkProps['to']>

export interface Entry<To extends Page = Page> {
  label: string
  to: To
  /** Who lacks it does not see the entry. */
  permission?: Permission
  /** The entry is current on exactly this path only. */
  exact?: boolean
}

export interface Group {
  label: string
  entries: readonly Entry<Exclude<Page, `${string}$${string}`>>[]
}

export const GROUPS: readonly Group[] = [
  {
    label: 'Clients',
    entries: [{ label: 'Health board', to: '/', permission: 'fleet.read', exact: true }],
  },
  {
    label: 'Fleet',
    entries: [
      { label: 'Blueprints', to: '/fleet/blueprints', permission: 'fleet.read' },
      { label: 'Rollouts', to: '/fleet/rollouts', permission: 'fleet.read' },
      { label: 'Drift', to: '/fleet/drift', permission: 'fleet.read' },
      { label: 'Campaigns', to: '/fleet/campaigns', permission: 'fleet.read' },
      { label: 'Leaving', to: '/fleet/leaving', permission: 'fleet.read' },
      { label: 'Search', to: '/fleet/search', permission: 'fleet.read' },
    ],
  },
  {
    label: 'Organization',
    entries: [
      { label: 'Approvals', to: '/approvals', permission: 'deploy.write' },
      { label: 'Events', to: '/events', permission: 'events.read' },
      { label: 'Audit', to: '/audit', permission: 'org.manage' },
      { label: 'Users', to: '/settings/users', permission: 'org.manage' },
      { label: 'Tokens', to: '/settings/tokens', permission: 'org.manage' },
      { label: 'Webhooks', to: '/settings/webhooks', permission: 'webhooks.manage' },
    ],
  },
]

/** Below the name of a client. */
export const CLIENT_ENTRIES: readonly Entry[] = [
  { label: 'Overview', to: '/clients/$clientId', exact: true },
  { label: 'Schema', to: '/clients/$clientId/schema', permission: 'topology.read' },
  { label: 'Compare', to: '/clients/$clientId/diff', permission: 'topology.read' },
  { label: 'Plan', to: '/clients/$clientId/plan', permission: 'deploy.write' },
  { label: 'Deployments', to: '/clients/$clientId/deployments', permission: 'deploy.read' },
  { label: 'Pushes', to: '/clients/$clientId/pushes', permission: 'push.read' },
  { label: 'Mappings', to: '/clients/$clientId/mappings', permission: 'topology.read' },
  { label: 'Automations', to: '/clients/$clientId/automations', permission: 'workflows.read' },
]
