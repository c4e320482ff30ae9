/** Reads a scenario or a calibration, and says of everything that is wrong where in the file it stands. */
import { ConfigError, type YamlFile, readYamlFile } from '@watchword/gateway';
import { type Calibration, type Scenario, ShapeError, parseCalibration, parseScenario } from '@watchword/planner';

/** Reads YAML. @throws ConfigError with file, line, column and reason */
export function readScenario(file: string, base: Scenario): Scenario {
  const read = readYamlFile(file);
  return located(read, () => parseScenario(read.value, base));
}

/** Reads what `watchword calibrate` has written; JSON is YAML. @throws ConfigError with file, line, column and reason */
export function readCalibration(file: string): Calibration {
  const read = readYamlFile(file);
  return located(read, () => parseCalibration(read.value));
}

function located<Value>({ locator }: YamlFile, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const issues = error.issues.map(({ path, reason, atKey }) => locator.issue(path, reason, atKey ? 'key' : 'value'));
    throw new ConfigError(locator.fileName, issues);
  }
}
