export function buildDashboard(runtime: string): Promise<void>;
