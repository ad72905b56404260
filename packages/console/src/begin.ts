// The first module, and a small one: while the code of the console is on its way, the server already says who is signed
// in and how their clients are. The code is most of what the first page takes; the answers are there before it.

import { type AuthMeResponse } from '@sfdc-engine-x/client'
import { askAhead } from './api/ahead.ts'
import { FIRST, hasBoard } from './screens/board/first.ts'
import './ui/tokens.css'
import './ui/base.css'
import './ui/ui.css'

const isBoard = location.pathname === '/console/' && location.search === ''

const begin = async (): Promise<void> => {
  const me = askAhead({ path: '/api/auth/me' }).then(async (answer) =>
    answer?.ok === true ? ((await answer.clone().json()) as AuthMeResponse) : null,
  )
  const seesBoard = me.then((who) => who !== null && hasBoard(who))
  if (isBoard) void askAhead({ ...FIRST, when: seesBoard })
  // By now the server has been asked for the clients: its answer takes longer than the code.
  const hasScreen = isBoard && (await seesBoard)
  // Who has to sign in first needs no screens yet.
  if ((await me) === null) return
  await Promise.all([
    import('./app/shell.tsx'),
    hasScreen ? import('./screens/board/screen.tsx') : null,
  ])
}

// A link with a session signs in before anything else. What fails here is tried again, and told, by who needs it.
if (!location.hash.startsWith('#session=')) begin().catch(() => undefined)

await import('./main.tsx')
