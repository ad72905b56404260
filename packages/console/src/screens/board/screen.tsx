import { Page } from '../../ui/layout.tsx'

export const Screen = () => <Page title="Health board">{null}</Page>
