export { Metrics } from './metrics.ts'
export { startMetricsServer, type MetricsServer } from './metrics-server.ts'
export { requireScraper } from './require-scraper.ts'
