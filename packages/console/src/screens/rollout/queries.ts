import { type QueryClient, useQuery } from '@tanstack/react-query'
import { type Rollout, type WorkReference } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList, useWork } from '../../api/queries.ts'
import { type RolloutSearch } from './search.ts'

/** While it moves by itself. */
const LOOK_MS = 3_000
const LOOK_AT_REST_MS = 15_000

const reference = (id: string): WorkReference & { kind: 'rollout' } => ({ kind: 'rollout', id })

export const useRollout = (id: string) => useWork(reference(id))

/** Reads everything about a rollout again, after something was done to it. */
export const rolloutChanged = async (queryClient: QueryClient, id: string): Promise<void> => {
  await Promise.all([
    queryClient.invalidateQueries({ queryKey: ['work', 'rollout', id] }),
    queryClient.invalidateQueries({ queryKey: ['rollouts'] }),
  ])
}

export const useMatrix = ({ id, revision, is_final: isFinal, state }: Rollout) =>
  useQuery({
    queryKey: ['rollouts', id, 'matrix', revision, state, isFinal],
    queryFn: ({ signal }) => engine.fleet.rolloutsMatrix({ rollout_id: id }, { signal }),
    // In a draft nothing is checked; it would be a table of nothing.
    enabled: state !== 'draft',
    refetchInterval: isFinal ? false : LOOK_MS,
    placeholderData: (before) => before,
  })

export const useTargets = (
  { id, is_final: isFinal, revision }: Rollout,
  { state, wave, code }: RolloutSearch,
) =>
  useList(
    ['rollouts', id, 'targets', state, wave, code, revision, isFinal],
    (page, options) =>
      engine.fleet.rolloutsTargets(
        {
          rollout_id: id,
          ...(state === undefined ? {} : { state }),
          ...(wave === undefined ? {} : { wave }),
          ...(code === undefined ? {} : { code }),
          ...page,
        },
        options,
      ),
    { refetchInterval: isFinal ? LOOK_AT_REST_MS : LOOK_MS },
  )
