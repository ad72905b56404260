import { Page } from '../../ui/layout.tsx'

export const Screen = () => <Page title="Schema">{null}</Page>
