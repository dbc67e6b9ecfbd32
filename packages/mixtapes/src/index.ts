export { MAINTENANCE_QUEUE, MaintenanceQueue, type MaintenanceData, type MaintenanceJob } from './maintenance-queue.ts'
export { MixtapeRegistry, type Mixtape } from './registry.ts'
