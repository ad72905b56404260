import { type ComponentType, type ReactNode } from 'react'
import { type Permission } from '@sfdc-engine-x/client'
import { useMay } from '../api/session.ts'
import { Forbidden } from '../ui/states.tsx'

/** A page for those who have the permission; to others it says that they lack it, and asks the server nothing. */
export const allowed = (permission: Permission, Page: ComponentType): (() => ReactNode) => {
  const Allowed = () => (useMay(permission) ? <Page /> : <Forbidden />)
  return Allowed
}
