export { mayScrape, type ScrapeTokens } from './may-scrape.ts'
export { Metrics } from './metrics.ts'
export { startMetricsServer, type MetricsServer } from './metrics-server.ts'
