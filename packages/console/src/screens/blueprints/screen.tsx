import { Page } from '../../ui/layout.tsx'

export const Screen = () => <Page title="Blueprints">{null}</Page>
