import { serverConformance } from '@watchword/conformance';
import express5 from 'express';
import express4 from 'express-4';
import { startExpress } from './host.ts';

serverConformance('@watchword/express on Express 5', startExpress(express5));
serverConformance('@watchword/express on Express 4', startExpress(express4));
