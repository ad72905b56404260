import { Page } from '../../ui/layout.tsx'

export const Screen = () => <Page title="Mappings">{null}</Page>
