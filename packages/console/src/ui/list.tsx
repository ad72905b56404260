// A list of the API as a table, in all its states.

import { type ReactNode } from 'react'
import { DataTable, type TableProps } from './data-table.tsx'
import { LoadMore, Page, Toolbar } from './layout.tsx'
import { Loaded } from './states.tsx'

interface ListProps<Row> extends Omit<TableProps<Row>, 'rows' | 'onEnd'> {
  /** What `useList` returns. */
  query: {
    items: readonly Row[]
    data: unknown
    error: unknown
    isPending: boolean
    refetch: () => unknown
    hasNextPage: boolean
    isFetchingNextPage: boolean
    fetchNextPage: () => unknown
  }
  /** In place of the table, where there is no row: why, and what to do. */
  empty?: ReactNode
  loading?: ReactNode
  /** Further pages are read when their place comes into sight, or when somebody asks for them. */
  more?: 'scroll' | 'button'
}

export const List = <Row,>({
  query,
  empty,
  loading,
  more = 'scroll',
  ...table
}: ListProps<Row>) => {
  const { items, hasNextPage, isFetchingNextPage, fetchNextPage } = query
  const onEnd = () => {
    if (hasNextPage && !isFetchingNextPage) fetchNextPage()
  }
  return (
    <Loaded query={query} loading={loading}>
      {() =>
        items.length === 0 && empty !== undefined ? (
          empty
        ) : (
          <>
            <DataTable {...table} rows={items} onEnd={more === 'scroll' ? onEnd : undefined} />
            {more === 'button' && <LoadMore query={query} />}
          </>
        )
      }
    </Loaded>
  )
}

interface ListPageProps<Row> extends Omit<ListProps<Row>, 'rowKey'> {
  title: string
  lead: string
  actions?: ReactNode
  filters?: ReactNode
  /** Below the table: what is open in it, and dialogs. */
  children?: ReactNode
}

/** A page that is a list. */
export const ListPage = <Row extends { id: string }>({
  title,
  lead,
  actions,
  filters,
  children,
  ...list
}: ListPageProps<Row>) => (
  <Page title={title} lead={lead} actions={actions}>
    {filters !== undefined && <Toolbar label="Filters">{filters}</Toolbar>}
    <List {...list} rowKey={idOf} />
    {children}
  </Page>
)

const idOf = ({ id }: { id: string }): string => id
