// Ids as people know them.

import { useClientNames, useUserNames } from '../api/directory.ts'
import { Absent, Foreign } from '../ui/text.tsx'
import { hrefOf } from './href.ts'

/** A client by its name, as a link to its page; its id while the name is not known. */
export const ClientName = ({ id }: { id: string | null }) => {
  const nameOf = useClientNames()
  if (id === null) return <Absent>no client</Absent>
  const name = nameOf(id)
  return (
    <a href={hrefOf('/clients/$clientId', { clientId: id })}>
      {name === null ? <code>{id.slice(-12)}</code> : <Foreign>{name}</Foreign>}
    </a>
  )
}

/** A user by e-mail address; the end of the id where that is not known. */
export const UserName = ({ id }: { id: string | null }) => {
  const nameOf = useUserNames()
  if (id === null) return <Absent>nobody</Absent>
  const name = nameOf(id)
  return name === null ? <code title={id}>{id.slice(-12)}</code> : <Foreign>{name}</Foreign>
}
